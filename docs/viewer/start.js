// Shows the document of this very server. Nothing is sent elsewhere: no validator, no stored tokens.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayOperationId: false,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
