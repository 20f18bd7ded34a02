"""When the scheduler must look where, who leads, and logs."""

from __future__ import annotations

from orchestrator.model.ids import deployment_id
from orchestrator.store import attention, keys, logs
from orchestrator.store.caller import Store
from tests.store.scene import D, Scene
from tests.support.keyspace import Client, dump


def test_attention_is_only_ever_lowered(store: Store) -> None:
    heard = store.listen(keys.ATTENTION_CHANGED)
    store.call(attention.lower_attention(D, 20))
    store.call(attention.lower_attention(D, 30))
    assert heard.wait(5) == (keys.ATTENTION_CHANGED, "look")
    assert heard.wait(0) is None, "a later instant is no news"
    heard.close()
    other = deployment_id("other/main")
    store.call(attention.lower_attention(other, 10))

    assert store.call(attention.next_attention()) == 10
    assert store.call(attention.due_attention(15, 10)) == [(other, 10)]
    assert store.call(attention.due_attention(99, 10)) == [(other, 10), (D, 20)]


def test_only_the_scheduler_raises_it(store: Store) -> None:
    store.call(attention.lower_attention(D, 20))
    store.call(attention.raise_attention(D, 50))
    assert store.call(attention.next_attention()) == 50
    store.call(attention.raise_attention(D, None))
    assert store.call(attention.next_attention()) is None


def test_one_leads_until_it_lets_go(store: Store, client: Client) -> None:
    assert store.call(attention.lead("a", 60_000))
    assert store.call(attention.lead("a", 60_000))
    before = dump(client)
    assert not store.call(attention.lead("b", 60_000))
    store.call(attention.unlead("b"))
    assert dump(client) == before
    store.call(attention.unlead("a"))
    assert store.call(attention.lead("b", 60_000))


def test_I18_a_lead_that_a_clock_set_back_has_stretched_is_free(
    store: Store, client: Client
) -> None:
    client.set(keys.LEADER, "dead", px=3_600_000)
    assert store.call(attention.lead("b", 3_000))
    assert not store.call(attention.lead("c", 3_000))


def test_logs_come_back_in_order(scene: Scene) -> None:
    claimed = scene.running()
    for number in range(3):
        line = f'{{"t":{number}.5,"l":"INFO","n":"flow","m":"\u00fc\u2028{number}","a":1}}\n' * 2
        append = logs.append_log(claimed.run_id, claimed.token, line.encode(), 60_000)
        assert scene.store.call(append) == "ok"

    first = scene.store.call(logs.read_log(claimed.run_id, count=1))
    rest = scene.store.call(logs.read_log(claimed.run_id, after=first[0][0]))
    lines = [line for _, batch in first + rest for line in batch]
    assert len(lines) == 6
    assert lines[0] == logs.LogLine(0.5, "INFO", "flow", "\u00fc\u20280", 1)
    assert lines[-1].text.endswith("2")


def test_the_last_lines_may_come_after_the_end(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    scene.finish(claimed)
    append = logs.append_log(claimed.run_id, claimed.token, b"{}\n", 60_000)
    assert scene.store.call(append) == "ok"
    # They expire with the record, whatever their runner thinks.
    life = client.pttl(keys.run(claimed.run_id))
    assert life - 60_000 < client.pttl(keys.log(claimed.run_id)) <= life + 1_000
