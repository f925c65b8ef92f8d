"""Admin's front page: the day at a glance.

notices     what needs attention            glance      sign-ins of the last days, who is signed in
kept        both, kept for some seconds
"""

from .kept import connect, shown_to

__all__ = ["connect", "shown_to"]
