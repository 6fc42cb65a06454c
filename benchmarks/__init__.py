"""How fast Engawa is beside a bare durable bot: run `python -m benchmarks`, read `README.md`."""
