module recsys.example/cgo

go 1.18
