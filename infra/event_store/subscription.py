"""An endless iterator over the store's events, for code that follows it through the library's interface."""

from collections import deque
from collections.abc import Callable, Sequence

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

_PAGE = 500
_STOP_CHECK_SECONDS = 0.2


class FollowingSubscription(Subscription[ApplicationRecorder]):
    """Yields recorded events, then waits for new ones, on the thread of whoever iterates.

    While the database is away `next` raises StoreUnavailable; the following `next` goes on where it was.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        wait: Callable[[int, float], bool],
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._wait = wait
        self._after = gt or 0
        self._page: deque[Notification] = deque()

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._page:
                return self._page.popleft()
            if not self._pull():
                self._wait(self._after, _STOP_CHECK_SECONDS)
        raise StopIteration

    def _pull(self) -> bool:
        # Taken first: everything up to here has been looked at when the page comes back empty, so that
        # events of other topics do not keep the wait from waiting.
        end = self._recorder.max_notification_id() or 0
        if end <= self._after:
            return False
        page = self._recorder.select_notifications(
            self._after, _PAGE, end, self._topics, inclusive_of_start=False
        )
        self._page.extend(page)
        self._after = page[-1].id if page else end
        return True
