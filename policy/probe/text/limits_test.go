package text

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// pdfs is the reader of PDF that all tests of this package share: to start one takes a while.
var pdfs = sync.OnceValue(func() *PDF {
	return NewPDF(PDFConfig{Cache: pdfCache()})
})

// pdfCache keeps compiled code between test runs, where the user has a cache.
func pdfCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "tegami-pdfium")
}

func testLimits(t testing.TB) Limits {
	t.Helper()
	lim := Default()
	lim.PDF = pdfs()
	return lim
}
