"""Measurements, each next to a baseline in the same run. `make bench` runs all, `make bench ONLY=name` some.

To add one, add a module here, named after what it measures, with

    def measure() -> Result:

It starts what it needs itself, in temporary folders and on free ports, takes its baseline in the same run (on
a busy machine only ratios mean anything), ends all that it started, and returns a `Result`: columns, rows,
plots, and notes that say what a reader must know to judge the figures. `make bench` writes that to
results/NAME.json and makes docs/performance.md with its plots anew from all results there.

A benchmark gets ten minutes. What only benchmarks need is never installed into `.venv`: Python packages go
into requirements.in (`make lock` resolves it) and are found by `environment.PYTHON`, npm packages into
package.json and by `environment.npm_package`.
"""
