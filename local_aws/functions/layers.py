"""Where Python looks for a function's modules: its own code, then its layers, as below /opt.

Reference: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
"""

from __future__ import annotations

from pathlib import Path

from local_aws.model import Function


def python_path(function: Function) -> list[Path]:
    """The folders in the order of their precedence: a later layer covers an earlier one."""
    upwards = function.layers[::-1]
    site_packages = f"python/lib/{function.runtime}/site-packages"
    return [
        function.code,
        *(folder for layer in upwards if (folder := layer / site_packages).is_dir()),
        *(folder for layer in upwards if (folder := layer / "python").is_dir()),
    ]
