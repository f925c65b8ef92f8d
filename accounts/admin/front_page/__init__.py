"""Admin's front page: the day at a glance, and links to the pages without a model.

notices     what needs attention            glance      sign-ins of the last days, who is signed in
kept        both, kept for some seconds     own_pages   links to the pages without a model
"""

from .kept import connect, shown_to
from .own_pages import with_own_pages

__all__ = ["connect", "shown_to", "with_own_pages"]
