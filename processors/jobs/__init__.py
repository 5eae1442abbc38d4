"""Jobs: how an order begins, what each of its steps comes to, and when it is at an end.

A job is an order as its person sees it. It holds credits before anything is made, has one
generation for each step, and is told its outcome only when the step's line of the hold has been
closed - or, where the engine has not had its say, that it stays held until it has.
"""

from processors.jobs.ending import ADVANCE as ADVANCE
from processors.jobs.ending import NOTIFY as NOTIFY
from processors.jobs.ending import concluded as concluded
from processors.jobs.ending import known as known
from processors.jobs.ending import refunded as refunded
from processors.jobs.ending import settled as settled
from processors.jobs.ending import step_done as step_done
from processors.jobs.ending import step_told as step_told
from processors.jobs.ending import told as told
from processors.jobs.ending import untold as untold
from processors.jobs.forgetting import blanked as blanked
from processors.jobs.forgetting import forgettable as forgettable
from processors.jobs.making import CANCEL as CANCEL
from processors.jobs.making import START as START
from processors.jobs.making import active as active
from processors.jobs.making import cancel_wanted as cancel_wanted
from processors.jobs.making import generations_of as generations_of
from processors.jobs.making import lines as lines
from processors.jobs.making import refused as refused
from processors.jobs.making import shares as shares
from processors.jobs.making import step_for as step_for
from processors.jobs.making import unsettled as unsettled
from processors.jobs.making import with_fixed as with_fixed
from processors.jobs.settling import Later as Later
from processors.jobs.settling import Settlement as Settlement
from processors.jobs.settling import outcome_of as outcome_of
from processors.jobs.settling import settlement as settlement
