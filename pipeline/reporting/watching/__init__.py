"""What the machine watches by itself: alarms, metrics for a monitoring system, and drift."""
