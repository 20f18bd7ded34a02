"""``python -m orchestrator.cli``: the terminal without its console script."""

from orchestrator.cli.main import main

if __name__ == "__main__":
    main()
