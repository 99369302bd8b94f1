"""Film that leaves while it happens: Frigate's go2rtc -> destinations."""
