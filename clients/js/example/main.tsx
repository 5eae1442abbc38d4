import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "runrelay-client";
import "runrelay-client/react/style.css";
import "./page.css";
import { ask } from "./asking.js";
import { Shop } from "./shop.js";

// The browser holds a view token, never the API key: the shop's own server has that.
const { server } = await ask<{ server: string }>("/shop/settings");
const client = connect({
  server,
  token: async () => (await ask<{ token: string }>("/shop/token", {})).token,
});

const place = document.getElementById("shop");
if (place)
  createRoot(place).render(
    <StrictMode>
      <Shop client={client} />
    </StrictMode>,
  );
