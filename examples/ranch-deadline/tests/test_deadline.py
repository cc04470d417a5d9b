from hypothesis import strategies as st
from ranch.testing import StrategySuite

from ranch_deadline import Deadline


class TestDeadline(StrategySuite):
    strategy = Deadline(default=30.0)
    data = st.fixed_dictionaries({"deadline": st.sampled_from([None, 0, 5.5, 60])})
    patience = 180

    def check_pick(self, pick):
        assert self.due(pick.lane) == min(self.due(lane) for lane in pick.waiting)

    def due(self, lane):
        return lane.since + lane.data.get("deadline", 30.0)
