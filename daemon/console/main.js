/* The console: asks recsysd how it is, and shows the answers. All text goes in as text. */

const byId = (id) => document.getElementById(id);

async function show() {
  try {
    const health = await (await fetch("health")).json();
    byId("state").textContent = health.status;
    byId("model").textContent = health.model.status === "loaded"
      ? `${health.model.name}, version ${health.model.version}` : "No model serves.";
  } catch (error) {
    byId("state").textContent = `recsysd does not answer: ${error.message}`;
  }
}

show();
