"""A strict stand-in for the platforms' HTTP APIs, for demos, drills and tests.

Each platform has a folder, in which the same part has the same name:

- `api`: the subclass of `StandIn`: the paths, each with its handler, and the form of a 429
- `credentials`: the accounts, and the section of the configuration that uses them
- `access`: authentication, and the body of an authorized call
- `answers`: the form of answers, pages and errors
- `store`: the tickets that the platform keeps, and its indexes of them
- `tickets`: the calls that create, read, change and delete a ticket
- `actions` or `transitions`: the calls that move a ticket from state to state
- `comments`: comments, notes, articles, replies
- `search`: the calls that find tickets; `query` is the language they are asked in
- `rules`, `fields`: the bodies that are accepted, and the columns of a ticket
- `directory`: projects, groups, people and other known names; `on_call`: the person on call

Parts that one vendor alone has bear the vendor's word for them: `screens`, `webhook`, `tokens`.
"""

from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, create_app, start

__all__ = ["Sandbox", "create_app", "sandbox_config", "start"]
