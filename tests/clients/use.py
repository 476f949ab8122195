"""Calls recsysd through the client that openapi-python-client has generated.

    use.py ADDRESS ADMIN-TOKEN

generated_clients.py generates the client and starts the daemon, whose model is make_bundle.py's.
"""
import sys
import traceback

from recsysd_client import AuthenticatedClient, Client
from recsysd_client.api.inference import infer
from recsysd_client.api.models import current_model, get_trace, rollback_model, set_trace
from recsysd_client.api.recommend import batch_predict, feedback, predict, recommendations, session_recommend, similar
from recsysd_client.models import (BatchPredictionRequest, BatchPredictionResponse, CurrentModel, Error, Event, Events,
                                   FeedbackResponse200, HTTPValidationError, InferenceParameters, InferenceRequest,
                                   InferenceResponse, InferenceTensor, MovieRecommendation, PredictionRequest,
                                   PredictionResponse, SessionRequest, SimilarItems, Trace, UserPreferences,
                                   UserRecommendations)

address, token = sys.argv[1:]
client = Client(base_url=address)
admin = AuthenticatedClient(base_url=address, token=token, prefix="", auth_header_name="X-Admin-Token")


def test_predict():
    body = PredictionRequest(user_id=1, top_k=3, include_reasons=True,
                             preferences=UserPreferences(favorite_genres=["comedy"], min_rating=1.0))
    answer = predict.sync(client=client, body=body)
    assert isinstance(answer, PredictionResponse) and answer.user_id == 1 and len(answer.recommendations) == 3
    first = answer.recommendations[0]
    assert isinstance(first, MovieRecommendation) and isinstance(first.title, str) and isinstance(first.score, float)
    assert isinstance(first.genres, list) and answer.timestamp.year >= 2024


def test_ids_of_64_bits_stay_as_they_are():
    answer = predict.sync(client=client, body=PredictionRequest(user_id=2 ** 63 - 1, top_k=1))
    assert isinstance(answer, PredictionResponse) and answer.user_id == 2 ** 63 - 1 and answer.strategy == "popularity"


def test_batch():
    answer = batch_predict.sync(client=client, body=BatchPredictionRequest(user_ids=[3, 1, 2], top_k=2))
    assert isinstance(answer, BatchPredictionResponse)
    assert [row.user_id for row in answer.predictions] == [3, 1, 2] and answer.successful_predictions == 3


def test_session_and_similar():
    answer = session_recommend.sync(client=client, body=SessionRequest(liked_items=[10, 20], liked_weights=[1, 2.5], top_k=2))
    assert isinstance(answer, PredictionResponse) and answer.user_id is None and len(answer.recommendations) == 2
    answer = similar.sync(client=client, item_id=10, top_k=2)
    assert isinstance(answer, SimilarItems) and answer.movie_id == 10 and answer.count == 2
    answer = recommendations.sync(client=client, user_id=4)
    assert isinstance(answer, UserRecommendations) and answer.count == 10


def test_models():
    answer = current_model.sync(client=client)
    assert isinstance(answer, CurrentModel) and answer.n_users == 40 and answer.user_id_kind == "integer"


def test_feedback_of_both_forms():
    one = Event(user_id=1, item_id=10, kind="view")
    answer = feedback.sync(client=client, body=one)
    assert isinstance(answer, FeedbackResponse200) and answer.recorded == 1
    answer = feedback.sync(client=client, body=Events(events=[one, Event(user_id=2, item_id=20, kind="rating", value=4.5)]))
    assert isinstance(answer, FeedbackResponse200) and answer.recorded == 2


def test_inference():
    users = InferenceTensor(name="user_id", shape=[2], datatype="INT64", data=[1, 2])
    body = InferenceRequest(inputs=[users], parameters=InferenceParameters(top_k=4))
    answer = infer.sync(client=client, model="main", body=body)
    assert isinstance(answer, InferenceResponse), answer
    assert {tensor.name: tensor.shape for tensor in answer.outputs}["item_id"] == [2, 4]


def test_errors_have_types():
    answer = predict.sync_detailed(client=client, body=PredictionRequest(user_id=1, top_k=51))
    assert answer.status_code == 422 and isinstance(answer.parsed, HTTPValidationError)
    assert answer.parsed.detail[0].loc == ["body", "top_k"] and answer.parsed.detail[0].type_ == "less_than_equal"
    answer = similar.sync_detailed(client=client, item_id=11)
    assert answer.status_code == 404 and isinstance(answer.parsed, Error) and answer.parsed.detail
    answer = get_trace.sync_detailed(client=client)
    assert answer.status_code in (401, 403) and isinstance(answer.parsed, Error), answer


def test_the_admin_token_is_sent():
    answer = set_trace.sync(client=admin, body=Trace(trace="aside"))
    assert isinstance(answer, Trace) and answer.trace == "aside"
    assert set_trace.sync(client=admin, body=Trace(trace="")).trace == ""
    assert get_trace.sync(client=admin).trace == ""
    answer = rollback_model.sync_detailed(client=admin)
    assert answer.status_code == 409 and isinstance(answer.parsed, Error)  # there is no model before this one


failed = 0
tests = [test for name, test in sorted(globals().items()) if name.startswith("test_")]
for test in tests:
    try:
        test()
    except Exception:  # noqa: BLE001 - each test reports by itself
        failed += 1
        print("FAILED: %s" % test.__name__)
        traceback.print_exc(file=sys.stdout)
print("%d passed, %d failed" % (len(tests) - failed, failed))
sys.exit(1 if failed else 0)
