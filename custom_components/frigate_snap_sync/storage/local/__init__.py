"""Folders of this machine."""

from .destination import LocalDestination, find_disk_without_share, find_mount_point

__all__ = ["LocalDestination", "find_disk_without_share", "find_mount_point"]
