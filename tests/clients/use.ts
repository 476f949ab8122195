/* Calls recsysd with the types that openapi-typescript has made of openapi.json.
 *
 *     node built/use.js ADDRESS ADMIN-TOKEN
 *
 * generated_clients.py makes the types, compiles this file in strict mode and starts the daemon, whose
 * model is make_bundle.py's. Ids above 2^53 are not whole in JavaScript's numbers; as text they are.
 */
import assert from "node:assert/strict";
import process from "node:process";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [address, token] = process.argv.slice(2);
assert(address && token);
const client = createClient<paths>({ baseUrl: address });
const admin = createClient<paths>({ baseUrl: address, headers: { "X-Admin-Token": token } });
type Recommendation = components["schemas"]["MovieRecommendation"];

const tests: Record<string, () => Promise<void>> = {
  async predict() {
    const { data, error } = await client.POST("/api/v1/predict", {
      body: { user_id: 1, top_k: 3, include_reasons: true, preferences: { favorite_genres: ["comedy"], min_rating: 1 } },
    });
    assert(data, JSON.stringify(error));
    const first: Recommendation | undefined = data.recommendations[0];
    assert(first && data.user_id === 1 && data.recommendations.length === 3);
    const title: string = first.title, score: number = first.score, genres: string[] = first.genres;
    assert(title.length > 0 && score <= 1 && genres.length > 0);
  },

  async largeIdsAsText() {
    const { data, response } = await client.POST("/api/v1/predict", { body: { user_id: "9007199254740993", top_k: 1 }, parseAs: "text" });
    assert.equal(response.status, 200);
    assert(String(data).includes('"user_id":9007199254740993,'), String(data));
  },

  async batch() {
    const { data } = await client.POST("/api/v1/batch-predict", { body: { user_ids: [3, 1, 2], top_k: 2 } });
    assert(data);
    assert.deepEqual(data.predictions.map((row) => row.user_id), [3, 1, 2]);
    assert.equal(data.successful_predictions, 3);
  },

  async sessionAndSimilar() {
    const session = await client.POST("/api/v1/session-recommend", { body: { liked_items: [10, 20], liked_weights: [1, 2.5], top_k: 2 } });
    assert(session.data && session.data.user_id === null && session.data.recommendations.length === 2);
    const similar = await client.GET("/api/v1/similar/{item_id}", { params: { path: { item_id: 10 }, query: { top_k: 2 } } });
    assert(similar.data && similar.data.count === 2);
    const list = await client.GET("/api/v1/recommendations/{user_id}", { params: { path: { user_id: 4 } } });
    assert(list.data && list.data.count === 10);
  },

  async models() {
    const { data } = await client.GET("/api/v1/models/current");
    assert(data && data.n_users === 40);
    const kind: "integer" | "text" | undefined = data.user_id_kind;
    assert.equal(kind, "integer");
  },

  async feedbackOfBothForms() {
    const one = await client.POST("/api/v1/feedback", { body: { user_id: 1, item_id: 30, kind: "view" } });
    assert(one.data && one.data.recorded === 1);
    const two = await client.POST("/api/v1/feedback", {
      body: { events: [{ user_id: 1, item_id: 40, kind: "view" }, { user_id: 2, item_id: 50, kind: "rating", value: 4.5 }] },
    });
    assert(two.data && two.data.recorded === 2);
  },

  async inference() {
    const { data, error } = await client.POST("/v2/models/{model}/infer", {
      params: { path: { model: "main" } },
      body: { inputs: [{ name: "user_id", shape: [2], datatype: "INT64", data: [1, 2] }], parameters: { top_k: 4, exclude_seen: true, exclude_adult: true } },
    });
    assert(data, JSON.stringify(error));
    assert.deepEqual(data.outputs.find((tensor) => tensor.name === "item_id")?.shape, [2, 4]);
  },

  async errorsHaveTypes() {
    const wrong = await client.POST("/api/v1/predict", { body: { user_id: 1, top_k: 51 } });
    assert.equal(wrong.response.status, 422);
    assert(wrong.error && Array.isArray(wrong.error.detail));
    assert.deepEqual(wrong.error.detail[0]?.loc, ["body", "top_k"]);
    const missing = await client.GET("/api/v1/similar/{item_id}", { params: { path: { item_id: 11 } } });
    assert.equal(missing.response.status, 404);
    const denied = await client.GET("/api/v1/admin/trace");
    assert(denied.response.status === 401 || denied.response.status === 403);
    assert(denied.error && typeof denied.error.detail === "string");
  },

  async theAdminTokenIsSent() {
    const set = await admin.PUT("/api/v1/admin/trace", { body: { trace: "aside" } });
    assert.equal(set.data?.trace, "aside");
    const unset = await admin.PUT("/api/v1/admin/trace", { body: { trace: "" } });
    assert.equal(unset.data?.trace, "");
  },

  async mistakesDoNotCompile() {
    // @ts-expect-error: a member has another type
    await client.POST("/api/v1/batch-predict", { body: { user_ids: "1" } });
    // @ts-expect-error: there is no such route
    await client.GET("/api/v1/prediction");
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
  } catch (error) {
    failed++;
    console.log(`FAILED: ${name}\n`, error);
  }
}
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
