"""How the judgement of faces was fitted and measured."""
