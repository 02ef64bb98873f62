"""From paper written during an outage to confirmed entries in the care system."""

import os

__version__ = "1.2.0"

# ONNX Runtime, from 1.29 on, sends its makers facts about the machine and the networks unless it is
# told not to before it is loaded. 1.32 reads the first name, later versions perhaps the second.
for _name in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
    os.environ[_name] = "1"
