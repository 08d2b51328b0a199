package sieve

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// texts are the English texts of the catalogue. The room of words lies above this one, so its file is read.
var texts = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	b, err := os.ReadFile("../../i18n/locales/en.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic(err)
	}
	return all
})

// english is a fault as its owner reads it, without the full stop.
func english(f Fault) string {
	s, ok := texts()[f.Key]
	if !ok {
		return f.String()
	}
	for i, a := range f.Args {
		s = strings.ReplaceAll(s, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return strings.TrimSuffix(s, ".")
}
