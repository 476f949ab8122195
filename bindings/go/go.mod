module recsys.example/recsys

go 1.21
