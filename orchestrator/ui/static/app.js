// Everything here is a comfort: each page works without it.
import { startActions } from "./actions.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startLogs } from "./logs.js";
import { startSmall } from "./small.js";

startSmall();
startActions();
startForms();
startKeys();
startLogs();
startLive();
