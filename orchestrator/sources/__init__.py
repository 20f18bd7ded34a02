"""Where code comes from when it is not beside the serving script: git, remote, local storage."""
