"""`python -m vendorkit`."""

from vendorkit.cli.main import console

if __name__ == "__main__":
    console()
