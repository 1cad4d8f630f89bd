"""A local web page that shows a bundle: LiteRT.js runs its network, WebGL2 its shader text."""
