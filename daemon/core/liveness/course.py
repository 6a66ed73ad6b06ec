"""How looks at one face come to a verdict, and tries of an action to their end.

Camera, clock and networks are elsewhere: the counter and the simulated evaluation drive the same
courses, so that what is measured is what decides.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import (
    ASKED_AGAIN,
    Action,
    ChallengePolicy,
    Done,
    Measures,
    judge_action,
)
from yibao_face.daemon.core.liveness.gate import (
    Features,
    LivenessPolicy,
    LivenessVerdict,
    attack_cause,
    judge,
)

# The tracker follows a face over three quarters of its size, to keep it in a crowd. Nobody who
# stands still leaps so far between two frames: somebody else stepped in.
SAME_FACE_OVERLAP = 0.3


class PassiveCourse:
    """The usable looks at one face in a row, and what was held against earlier ones.

    ``held``: attack frames from before. ``usable``: looks at whatever face. ``before``: how chin,
    mouth, head and lids of the present face were held.
    """

    def __init__(self, policy: LivenessPolicy, held: tuple[Cause, ...] = ()) -> None:
        self.usable = 0
        self.before: list[Measures] = []
        self._policy, self._earlier = policy, held
        self._features: list[Features] = []
        self._hints: Counter[Cause] = Counter()

    def hint(self, hint: Cause) -> None:
        """A frame was no usable look, for this reason."""
        self._hints[hint] += 1

    def add(self, features: Features, measures: Measures, *, same: bool) -> Cause | None:
        """Take a usable look; ``MOVED`` when it is not at the ``same`` face as the one before.

        Counting starts again then, attack frames are not forgotten: nobody clears his record by
        stepping aside.
        """
        if not same:
            self._earlier = self.held
            self._features, self.before = [], []
            self.hint(Cause.MOVED)
        self.usable += 1
        self._features.append(features)
        self.before.append(measures)
        return None if same else Cause.MOVED

    @property
    def counted(self) -> int:
        """Usable looks at the present face."""
        return len(self._features)

    @property
    def held(self) -> tuple[Cause, ...]:
        """Attack frames so far, those of earlier faces first."""
        causes = (attack_cause(features, self._policy) for features in self._features)
        return (*self._earlier, *(cause for cause in causes if cause is not None))

    def judged(self) -> LivenessVerdict | None:
        """The verdict on the present face, once enough was seen of it."""
        if not self._features:
            return None
        return judge(self._features, self._policy, self._earlier)

    @property
    def lasting_hint(self) -> Cause:
        """Why nobody was judged: the hint seen most."""
        return self._hints.most_common(1)[0][0] if self._hints else Cause.NO_FACE


class Guard:
    """Watches a face that was judged for attack frames while it acts.

    As many of them as end a passive look, among as many of the last frames as it takes, end this
    too. Over the whole of it would be unjust: it lasts 20 times as long.
    """

    def __init__(self, policy: LivenessPolicy, held: Sequence[Cause]) -> None:
        self.held = list(held)
        self._most = policy.attack_frames
        self._recent = deque[Cause | None](held, maxlen=policy.frames)

    def passes(self, features: Features, policy: LivenessPolicy) -> bool:
        """Take a usable frame; whether no attack gate of ``policy`` failed, so that it counts."""
        attack = attack_cause(features, policy)
        self._recent.append(attack)
        if attack is not None:
            self.held.append(attack)
        return attack is None

    @property
    def condemned(self) -> Cause | None:
        """The attack, once there were enough."""
        attacks = [cause for cause in self._recent if cause is not None]
        return attacks[0] if len(attacks) >= self._most else None


class Try:
    """One try of an action; ``before``: how the face was held before it was asked for."""

    def __init__(
        self, action: Action, before: Sequence[Measures], policy: ChallengePolicy
    ) -> None:
        self._action, self._before, self._policy = action, before, policy
        self._during: list[Measures] = []

    def see(self, measures: Measures | None) -> Done | Cause | None:
        """Take a frame, ``None``: it says nothing; how the try ended, ``None``: not yet."""
        self._during.append(measures or Measures())
        ended = self._judged()
        # Done is who is seen doing it.
        return None if measures is None and isinstance(ended, Done) else ended

    def time_out(self) -> Done | Cause:
        """How a try ended whose time is over."""
        if len(self._during) < self._policy.window:
            return Cause.ACTION_NOT_DONE
        return self._judged(over=True) or Cause.ACTION_NOT_DONE

    def _judged(self, *, over: bool = False) -> Done | Cause | None:
        return judge_action(self._action, self._before, self._during, self._policy, over=over)


def tried(policy: ChallengePolicy, once: Callable[[], Done | Cause]) -> Done | Cause:
    """Ask ``once`` or, where that may help, as often as the policy allows."""
    ended: Done | Cause = Cause.ACTION_NOT_DONE
    for _ in range(policy.tries):
        ended = once()
        if ended not in ASKED_AGAIN:
            break
    return ended
