"""The bundle in a local web page: LiteRT.js runs its network, WebGL2 its shader text."""
