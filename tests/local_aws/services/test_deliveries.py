"""What leaves the services, as queues and functions get it."""

import json

import pytest

from local_aws.queues.queue import Attribute
from local_aws.services import Deliveries

TOPIC = "arn:aws:sns:eu-west-1:1:news"
QUEUE = "arn:aws:sqs:eu-west-1:1:jobs"
TARGET = "arn:aws:lambda:eu-west-1:1:function:target"


class Stack:
    """Queues and functions that say what they got."""

    def __init__(self):
        self.sent = []
        self.invoked = []
        self.said = []
        self.permits = True
        self.deliveries = Deliveries(
            functions={"target"},
            invoker=None,
            background=self,
            send=self.send,
            permitted=lambda *asked: self.permits,
            say=self.said.append,
        )

    def invoke(self, function, payload, *, qualifier, trigger):
        self.invoked.append((function, qualifier, trigger, json.loads(payload)))

    def send(self, arn, body, attributes):
        self.sent.append((arn, body, dict(attributes)))
        return arn == QUEUE

    def publish(self, protocol, endpoint, **more):
        self.deliveries.take(
            {
                "kind": "notification",
                "topic": TOPIC,
                "subscription": f"{TOPIC}:1",
                "protocol": protocol,
                "endpoint": endpoint,
                "raw": False,
                "message_id": "id",
                "message": "hello",
                "subject": None,
                "attributes": {},
            }
            | more
        )


@pytest.fixture
def stack():
    return Stack()


def test_a_queue_gets_a_topics_message_in_an_envelope(stack):
    attributes = {"kind": {"Type": "String", "Value": "a"}}

    stack.publish("sqs", QUEUE, subject="S", attributes=attributes)

    [(arn, body, sent)] = stack.sent
    envelope = json.loads(body)
    assert (arn, sent) == (QUEUE, {})
    assert (envelope["Type"], envelope["TopicArn"], envelope["Message"]) == ("Notification", TOPIC, "hello")
    assert (envelope["Subject"], envelope["MessageAttributes"]) == ("S", attributes)
    assert envelope["UnsubscribeURL"].startswith("https://sns.eu-west-1.amazonaws.com/")


def test_raw_delivery_gives_a_queue_the_message_and_its_attributes(stack):
    attributes = {"n": {"Type": "Number", "Value": "1"}, "b": {"Type": "Binary", "Value": "AAE="}}

    stack.publish("sqs", QUEUE, raw=True, attributes=attributes)

    expected = {"n": Attribute("Number", string="1"), "b": Attribute("Binary", binary=b"\0\1")}
    assert stack.sent == [(QUEUE, "hello", expected)]


def test_a_function_gets_a_topics_message_as_an_event(stack):
    stack.publish("lambda", f"{TARGET}:live")

    [(function, qualifier, trigger, event)] = stack.invoked
    [record] = event["Records"]
    assert (function, qualifier, trigger) == ("target", "live", "SNS")
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", f"{TOPIC}:1")
    assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("hello", None)
    assert record["Sns"]["MessageAttributes"] == {}
    assert "UnsubscribeUrl" in record["Sns"]


def test_a_buckets_event_reaches_functions_and_queues(stack):
    event = {"Records": [{"s3": {"bucket": {"arn": "arn:aws:s3:::files"}}}]}

    for target in (TARGET, QUEUE):
        stack.deliveries.take({"kind": "object", "target": target, "event": event})

    assert stack.invoked == [("target", None, "S3", event)]
    assert [(arn, json.loads(body)) for arn, body, _ in stack.sent] == [(QUEUE, event)]


def test_who_may_not_invoke_doesnt_and_it_is_said(stack):
    stack.permits = False

    stack.publish("lambda", TARGET)

    assert stack.invoked == []
    [sentence] = stack.said
    assert (
        sentence == f"{TOPIC} may not invoke target: no AWS::Lambda::Permission lets sns.amazonaws.com do it."
    )


@pytest.mark.parametrize(
    ("protocol", "endpoint", "sentence"),
    [
        ("lambda", TARGET.replace("target", "other"), "doesn't run here"),
        ("sqs", QUEUE.replace("jobs", "other"), "the queue doesn't run here"),
        ("email", "a@b.example", "nothing is sent to email a@b.example"),
        ("https", "https://example.com", "nothing is sent to https https://example.com"),
    ],
)
def test_what_has_nowhere_to_go_is_said(stack, protocol, endpoint, sentence):
    stack.publish(protocol, endpoint)

    assert sentence in stack.said[0]
