module recsys.example/bench/gocall

go 1.21

require recsys.example/recsys v0.0.0

replace recsys.example/recsys => ../../../bindings/go
