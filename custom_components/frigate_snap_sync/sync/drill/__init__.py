"""The fire drill: a picture and some footage, now, the whole way and back."""
