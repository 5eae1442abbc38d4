"""Chains: jobs of several steps, of which each may take what those before it have made.

A step may be made several times, once for each of some values (its *items*). Every item is one
generation, written when the job is made; one that takes something from others waits for them.
What becomes of it is decided from the records as they are, so whoever sees the last of them end
decides the same, and the compare-and-set of its record has it happen once.
"""

from processors.chains.advancing import Begin as Begin
from processors.chains.advancing import Drop as Drop
from processors.chains.advancing import Move as Move
from processors.chains.advancing import Taken as Taken
from processors.chains.advancing import concerned as concerned
from processors.chains.advancing import following as following
from processors.chains.advancing import moves as moves
from processors.chains.advancing import take as take
from processors.chains.checking import misfits as misfits
from processors.chains.expanding import Ordered as Ordered
from processors.chains.expanding import expanded as expanded
from processors.chains.pausing import continued as continued
from processors.chains.pausing import paused as paused
from processors.chains.pausing import undecided as undecided
from processors.chains.planning import Terms as Terms
from processors.chains.planning import Wanted as Wanted
from processors.chains.planning import planned as planned
from processors.chains.planning import sizes as sizes
from processors.chains.retrying import Again as Again
from processors.chains.retrying import again as again
from processors.chains.standing import Standing as Standing
from processors.chains.standing import standing as standing
