"""Serve Python functions as deployments: schedules, isolated runs, Redis Streams underneath."""
