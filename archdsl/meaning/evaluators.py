"""All modules that evaluate nodes: importing this one fills the table of `dispatch`."""

from archdsl.meaning import calls as calls
from archdsl.meaning import choices as choices
from archdsl.meaning import comprehensions as comprehensions
from archdsl.meaning import expressions as expressions
from archdsl.meaning import fields as fields
from archdsl.meaning import indexing as indexing
from archdsl.meaning import pipes as pipes
from archdsl.meaning import placing as placing
from archdsl.meaning import scope as scope
from archdsl.meaning import statements as statements
