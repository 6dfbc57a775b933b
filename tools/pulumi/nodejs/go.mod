module capstan/tools/pulumi-language-nodejs

go 1.20

// The last line of versions that has the language host in it; newer ones have it in a module of its own.
require github.com/pulumi/pulumi/sdk/v3 v3.60.0
