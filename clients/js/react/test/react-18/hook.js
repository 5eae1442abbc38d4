/** Has tests and components find the React of this folder: `node --import` of this file. */

import { register } from "node:module";

register("./resolve.js", import.meta.url);
