// The plugin, for programs in every language: `pulumi package add` serves the component with the committed schema, so no start
// analyzes types. In a checkout, the source is transpiled when it has changed.
require("../../typescript.cjs");
module.exports = require("./src/plugin.ts").serve;
