"""Look for known faults in the installed dependencies; where the data cannot be had, say so and go on.

It runs pip-audit on what is installed beside the interpreter that runs it. docs/security.md records the last finding.
"""

import json
import subprocess
import sys

COMMAND = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]


def main() -> int:
    """Audit, and return 1 if there is a known fault."""
    ended = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, LookupError):
        print(f"audit: no data ({ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else 'no answer'})")
        return 0
    audited = [one for one in packages if "vulns" in one]
    faulty = [(one["name"], one["version"], fault["id"]) for one in audited for fault in one["vulns"]]
    print(f"audit: {len(audited)} of {len(packages)} packages audited, {len(faulty)} known faults")
    for fault in faulty:
        print("  ", *fault)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
