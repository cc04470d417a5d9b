from ranch.testing import StrategySuite

from ranch_deadline import Deadline


class TestDeadline(StrategySuite):
    strategy = Deadline(wait=30.0)
    patience = 400

    def check_pick(self, pick):
        assert self.due(pick.lane) == min(self.due(lane) for lane in pick.waiting)

    def due(self, lane):
        return lane.since + 30.0 * lane.weight
