"""Tells how long the whole way from recordings to scores takes: two minutes without a GPU are the aim."""


def pytest_terminal_summary(terminalreporter):
    reports = [r for kind in ("passed", "failed", "error") for r in terminalreporter.getreports(kind)] + terminalreporter.getreports("")
    chain_s = sum(r.duration for r in reports if getattr(r, "nodeid", "").startswith("tests/test_pipeline.py"))
    if chain_s:
        terminalreporter.write_line(f"from recordings to scores (test_pipeline.py): {chain_s:.0f} s")
