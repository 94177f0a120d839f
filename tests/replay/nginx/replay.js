// Percent-encodes the request's target as a query value, as set_escape_uri does (which crashes in this build of nginx).
function escaped(request) {
    return encodeURIComponent(request.variables.request_uri).replace(/[!'()*]/g, (letter) =>
        "%" + letter.charCodeAt(0).toString(16).toUpperCase());
}

export default { escaped };
