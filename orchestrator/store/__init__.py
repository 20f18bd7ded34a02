"""The only place where Redis is spoken to."""
