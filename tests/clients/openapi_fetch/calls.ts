// Calls as a person writes them who has only read the reference; tsc checks them, nothing runs.
import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });

// A field that may be left out is not one that the types insist on.
const created = await client.POST("/api/tasks/create", { body: { title: "Write a test" } });
await client.POST("/api/tasks/update", { body: { task_id: 1, status: "done" } });
await client.POST("/api/tasks/update", { body: { task_id: "1", team_id: null } });
await client.POST("/api/roles/update", { body: { role_id: "3", name: "Reviewer" } });
await client.POST("/api/users/set_external_id", { body: { user_id: "2", external_id: null } });
await client.GET("/api/tasks/list", { params: { query: { limit: 5, team_id: "none" } } });
await client.GET("/api/tasks/list");

// What every answer holds is there without a question.
const task: components["schemas"]["TaskOut"] | undefined = created.data;
if (task) {
  const title: string = task.title;
  const completed: string | null = task.completed_at;
  const status: components["schemas"]["Status"] = task.status;
  console.log(title, completed, status);
}
const page = await client.GET("/api/tasks/list", { params: { query: { status: "open" } } });
const next: string | null | undefined = page.data?.next_cursor;
const problem: string | undefined = page.error?.detail;
console.log(next, problem);

// @ts-expect-error - a title is required
await client.POST("/api/tasks/create", { body: { notes: "Nothing to do" } });
// @ts-expect-error - null has no meaning as a title
await client.POST("/api/tasks/update", { body: { task_id: "1", title: null } });
// @ts-expect-error - a status of another kind
await client.GET("/api/tasks/list", { params: { query: { status: "active" } } });
