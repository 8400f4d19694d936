import json

from harness import follow, png


def test_follow_and_resume(start):
    server = start()
    for _ in range(3):
        server.post(png())
    connection, next_line = follow(server, "/v1/findings?after=1&follow=1")
    assert [next_line()["sequence"] for _ in range(2)] == [2, 3]
    server.post(png())
    assert next_line()["sequence"] == 4
    connection.close()
    server.post(png())
    connection, next_line = follow(server, "/v1/findings?after=4&follow=1")
    assert next_line()["sequence"] == 5
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings?after=3").lines()] == [4, 5]
    assert server.ask("GET", "/v1/findings?after=5").body == b""
    connection.close()


def test_a_result_is_on_the_disk_before_it_is_on_the_stream(start):
    server = start()
    connection, next_line = follow(server, "/v1/findings?follow=1")
    for index in range(10):
        server.post(png(), wait=False)
        line = next_line()
        assert json.loads((server.state / "findings.jsonl").read_text().splitlines()[index]) == line
    connection.close()


def test_followers_are_bounded(start):
    server = start()
    followers = [follow(server, "/v1/findings?follow=1")[0] for _ in range(16)]
    answer = server.ask("GET", "/v1/findings?follow=1")
    assert answer.status == 503 and answer.json()["code"] == "too_many_streams"
    for connection in followers:
        connection.close()
