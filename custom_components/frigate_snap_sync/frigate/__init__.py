"""What Frigate says, over MQTT and over HTTP, and whether its media are whole."""
