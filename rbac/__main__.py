"""``python -m rbac`` is the `rbac` command."""

from rbac.cli import main

if __name__ == "__main__":
    main()
