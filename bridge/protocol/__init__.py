"""The messages between plug-in and bridge: one frozen dataclass each, sent as one line of JSON.

The plug-in imports only this package and `bridge.common` from the bridge: standard library only, valid on Python 3.10.
Messages carry no pixels: these are image files in the job folder.

The plug-in sends questions, and the bridge answers each, with `Failed` on an error. The plug-in numbers its messages
1, 2, 3, … without gaps. An answer carries the number of its question, so the two cannot be mismatched. The plug-in
ignores an answer that it does not wait for. The bridge counts lines too: a line that it cannot read gets the number
after the previous line's.

This package exports the messages of a job. Those of the windows are in `bridge.protocol.history` and
`bridge.protocol.settings`, so that a job does not have to load them.
"""

from bridge.protocol.jobs import (
    Cancel,
    Cancelled,
    DesktopProxies,
    Failed,
    Finished,
    Mark,
    Marked,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    Progress,
    Received,
    Run,
)
from bridge.protocol.values import (
    AUTOMATIC,
    LONGEST_PROVENANCE,
    PROVENANCE,
    SELECTION_FILE,
    CropPlan,
    Document,
    Job,
    Message,
    Patch,
    Preview,
    ProtocolError,
    Rectangle,
    RequestProgress,
    Result,
)
from bridge.protocol.wire import LARGEST_QUESTION, LONGEST_LINE, Said, decode, encode, from_json, job_again
