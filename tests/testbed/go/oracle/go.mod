module oracles

go 1.26
