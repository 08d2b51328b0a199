package learning

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/store"
	"tegami/store/faulty"
)

// school is a platform with two companies.
type school struct {
	testing.TB
	*Service
	store store.Store
	a, b  mail.TenantID
}

func newSchool(t testing.TB, change ...func(*Config)) *school {
	t.Helper()
	st := stores.Open(t)
	cfg := Config{Store: st, By: directory.Housekeeper()}
	for _, fn := range change {
		fn(&cfg)
	}
	s := &school{t, New(cfg), st, 1, 2}
	for _, id := range []mail.TenantID{s.a, s.b} {
		s.must(st.CreateTenant(t.Context(), id))
	}
	return s
}

func (s *school) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// teach gives a lesson and expects that it counts or not.
func (s *school) teach(tenant mail.TenantID, account mail.AccountID, name string, spam, counts bool, tokens ...uint64) {
	s.Helper()
	got, err := s.Teach(s.Context(), Lesson{Tenant: tenant, Account: account, Name: name, Spam: spam, Words: Words{Tokens: tokens}})
	s.must(err)
	if got != counts {
		s.Errorf("lesson of %s: counts %v", name, got)
	}
}

// tokens expects what is known of tokens, as "spam/ham" each, all lessons last.
func (s *school) tokens(tenant mail.TenantID, want string, tokens ...uint64) {
	s.Helper()
	list, all, err := s.Memory(tenant).Tokens(s.Context(), tokens)
	s.must(err)
	var got []string
	for _, c := range append(list, all) {
		got = append(got, fmt.Sprintf("%d/%d", c.Spam, c.Ham))
	}
	if g := strings.Join(got, " "); g != want {
		s.Errorf("tokens %v: %s, want %s", tokens, g, want)
	}
}

func TestSF6Lessons(t *testing.T) {
	s := newSchool(t)
	s.tokens(s.a, "0/0", 1, 2)
	s.teach(s.a, 7, "one", true, true, 2, 1, 2, 0, 1<<63+5)
	s.tokens(s.a, "1/0 1/0 0/0 1/0 1/0 1/0", 1, 2, 3, 1<<63+5, 0)
	s.teach(s.a, 7, "one", true, false, 1, 2)
	s.teach(s.a, 7, "two", false, true, 2, 3)
	s.tokens(s.a, "1/0 1/1 0/1 1/1", 1, 2, 3)
	s.teach(s.a, 8, "one", true, true, 1) // somebody else's vote
	s.tokens(s.a, "2/0 2/1", 1)
	s.teach(s.a, 7, "one", false, true, 1, 4) // the other way round, read with other words
	s.tokens(s.a, "1/1 0/1 0/1 1/2", 1, 2, 4)
	s.must(s.Undo(t.Context(), s.a, 7, "one"))
	s.tokens(s.a, "1/0 0/1 0/0 1/1", 1, 2, 4)
	err := s.Undo(t.Context(), s.a, 7, "one")
	if !mail.Is(err, mail.NotFound) {
		t.Errorf("undone twice: %v", err)
	}
	s.teach(s.a, 7, "one", true, true, 9)
	s.tokens(s.a, "1/0 2/1", 9)
}

// TestSF6OneCompanyAlone: nothing that one company learns is seen by another, and what it takes back is its own.
func TestSF6OneCompanyAlone(t *testing.T) {
	s := newSchool(t)
	s.teach(s.b, 7, "one", false, true, 1)
	for i := range 50 {
		s.teach(s.a, 7, fmt.Sprint(i), true, true, 1, 2, uint64(i+100))
	}
	met := mail.Address{Local: "sato", Domain: "example.jp"}
	s.Saw(Seen{Tenant: s.a, Keys: []string{"dom:example.jp"}, Bad: 1, Met: []mail.Address{met}, Digest: 0xffff, Spam: true})
	s.must(s.Flush(t.Context()))
	s.tokens(s.b, "0/1 0/0 0/1", 1, 2)
	m := s.Memory(s.b)
	rep, err := m.Reputation(t.Context(), []string{"dom:example.jp"})
	s.must(err)
	first, err := m.FirstContact(t.Context(), met)
	s.must(err)
	seen, _, err := m.Near(t.Context(), 0xffff)
	s.must(err)
	if rep[0] != (Reputation{}) || !first || seen != 0 {
		t.Errorf("another company knows: %v, first %v, near %d", rep, first, seen)
	}
	if n, err := s.UndoAccount(t.Context(), s.a, 7); n != 50 || err != nil {
		t.Errorf("%d lessons taken back, %v", n, err)
	}
	s.tokens(s.a, "0/0", 1, 2)
	s.tokens(s.b, "0/1 0/1", 1)
	s.must(s.Forget(t.Context(), s.b))
	s.tokens(s.b, "0/0", 1)
	if err := s.Undo(t.Context(), s.b, 7, "one"); !mail.Is(err, mail.NotFound) {
		t.Errorf("a lesson survived: %v", err)
	}
}

// TestIsolation calls every method of a company's memory before and after another one learned: the answers are the same.
func TestIsolation(t *testing.T) {
	s := newSchool(t)
	met := mail.Address{Local: "sato", Domain: "example.jp"}
	ask := func() string {
		var heard strings.Builder
		s.forgetKnown(s.b)
		v := reflect.ValueOf(s.Memory(s.b))
		for i := range v.NumMethod() {
			method := v.Type().Method(i)
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for p := 2; p < method.Type.NumIn(); p++ {
				var value any
				switch method.Type.In(p) {
				case reflect.TypeFor[[]uint64]():
					value = []uint64{1, 2, 3}
				case reflect.TypeFor[[]string]():
					value = []string{"dom:example.jp", "net:192.0.2.0/24"}
				case reflect.TypeFor[mail.Address]():
					value = met
				case reflect.TypeFor[uint64]():
					value = uint64(77)
				default:
					t.Fatalf("%s has a parameter of type %v: teach this test what to try", method.Name, method.Type.In(p))
				}
				args = append(args, reflect.ValueOf(value))
			}
			for _, out := range v.Method(i).Call(args) {
				fmt.Fprintf(&heard, "%s %+v\n", method.Name, out.Interface())
			}
		}
		return heard.String()
	}
	before := ask()
	s.teach(s.a, 7, "one", true, true, 1, 2, 3)
	s.Saw(Seen{Tenant: s.a, Keys: []string{"dom:example.jp", "net:192.0.2.0/24"}, Bad: 1, Met: []mail.Address{met}, Digest: 77, Spam: true})
	if now := ask(); now != before {
		t.Errorf("before it is written:\n%s\nwas\n%s", now, before)
	}
	s.must(s.Flush(t.Context()))
	if now := ask(); now != before {
		t.Errorf("written:\n%s\nwas\n%s", now, before)
	}
}

// TestSF6NobodyOutvotesTheOthers: an account gives LessonsADay lessons a day.
func TestSF6NobodyOutvotesTheOthers(t *testing.T) {
	s := newSchool(t)
	for i := range LessonsADay + 5 {
		s.teach(s.a, 7, fmt.Sprint(i), true, i < LessonsADay, 1)
	}
	s.tokens(s.a, fmt.Sprintf("%d/0 %d/0", LessonsADay, LessonsADay), 1)
	s.teach(s.a, 8, "one", false, true, 1)
	s.tokens(s.a, fmt.Sprintf("%d/1 %d/1", LessonsADay, LessonsADay), 1)
}

func TestSF6Reputation(t *testing.T) {
	s := newSchool(t)
	m := s.Memory(s.a)
	keys := []string{"net:192.0.2.0/24", "dom:example.jp", "dom:unknown.example"}
	check := func(what string) {
		t.Helper()
		list, err := m.Reputation(t.Context(), keys)
		s.must(err)
		near := func(x, want float64) bool { return x > want*0.98 && x < want*1.02 || x == want }
		if !near(list[0].Good, 2) || !near(list[0].Bad, 0.5) || !near(list[1].Good, 3) || list[1].Bad != 0 || list[2] != (Reputation{}) {
			t.Errorf("%s: %v", what, list)
		}
	}
	s.Saw(Seen{Tenant: s.a, Keys: keys[:2], Good: 1})
	s.Saw(Seen{Tenant: s.a, Keys: keys[:1], Good: 1, Bad: 0.5})
	s.Saw(Seen{Tenant: s.a, Keys: keys[1:2], Good: 2})
	check("before it is written")
	s.must(s.Flush(t.Context()))
	check("written")
	s.must(s.Flush(t.Context()))
	check("nothing more to write")
}

// TestReputationFades: half after FadeDays, and without a jump between.
func TestReputationFades(t *testing.T) {
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	r := recent{reputations: map[int64]store.Count{}}
	r.judge(1, 8, 4, at)
	last := faded(r.reputations[1], at)
	if last.Good < 7.98 || last.Good > 8.01 || last.Bad < 3.98 {
		t.Errorf("at once: %v", last)
	}
	for hour := range 2 * FadeDays * 24 {
		now := faded(r.reputations[1], at.Add(time.Duration(hour)*time.Hour))
		if now.Good > last.Good || last.Good-now.Good > 0.05 {
			t.Fatalf("after %d hours %v, before %v", hour, now, last)
		}
		last = now
	}
	if last.Good < 1.9 || last.Good > 2.3 {
		t.Errorf("after two turns: %v", last)
	}
	r.judge(1, 1, 0, at.Add(10*365*24*time.Hour))
	if now := faded(r.reputations[1], at.Add(10*365*24*time.Hour)); now.Good < 0.98 || now.Good > 1.02 || now.Bad > 0.01 {
		t.Errorf("after ten years: %v", now)
	}
}

func TestSF6FirstContact(t *testing.T) {
	s := newSchool(t)
	m := s.Memory(s.a)
	known, other := mail.Address{Local: "Sato", Domain: "example.jp"}, mail.Address{Local: "suzuki", Domain: "example.jp"}
	first := func(a mail.Address, want bool) {
		t.Helper()
		if got, err := m.FirstContact(t.Context(), a); got != want || err != nil {
			t.Errorf("first contact with %v: %v, %v", a, got, err)
		}
	}
	first(known, true)
	first(mail.Address{}, false)
	s.Saw(Seen{Tenant: s.a, Met: []mail.Address{known, {}}})
	known.Local = "sato"
	first(known, false)
	first(other, true)
	s.must(s.Flush(t.Context()))
	first(known, false)
	first(other, true)
	f, err := s.Figures(t.Context(), s.a)
	s.must(err)
	if f.Contacts != 1 {
		t.Errorf("figures %+v", f)
	}
}

func TestSF6Near(t *testing.T) {
	s := newSchool(t)
	near := func(digest uint64, seen, spam int) {
		t.Helper()
		n, bad, err := s.Memory(s.a).Near(t.Context(), digest)
		if n != seen || bad != spam || err != nil {
			t.Errorf("like %x: %d, %d spam, %v", digest, n, bad, err)
		}
	}
	near(0xf0f0, 0, 0)
	s.Saw(Seen{Tenant: s.a, Digest: 0xf0f0})
	s.Saw(Seen{Tenant: s.a, Digest: 0xf0f1, Spam: true})
	s.Saw(Seen{Tenant: s.a})
	near(0xf0f0, 2, 1)
	near(0xf0f0^7, 2, 1)
	near(0xf0f0^15, 1, 1)
	near(0xf0f0^31, 0, 0)
	near(0, 0, 0)
	random := rand.New(rand.NewPCG(1, 2))
	for range 2 * maxNear {
		s.Saw(Seen{Tenant: s.a, Digest: random.Uint64() | 1})
	}
	near(0xf0f0, 0, 0)
	if n := len(s.tenants[s.a].digests); n != maxNear {
		t.Errorf("%d digests are kept", n)
	}
}

// TestSF6TeachingBehindTheDelivery: Later and Saw only note; Run does the work, and writes what there is at its end.
func TestSF6TeachingBehindTheDelivery(t *testing.T) {
	read := make(chan mail.BlobRef, 10)
	s := newSchool(t, func(c *Config) {
		c.Read = func(_ context.Context, _ mail.TenantID, b mail.BlobRef) (Words, error) {
			read <- b
			if b.ID == 2 {
				return Words{}, mail.E("x", mail.NotFound, "blob.unknown")
			}
			return Words{Tokens: []uint64{5}, Keys: []string{"dom:spam.example"}, Digest: 77}, nil
		}
	})
	for i := range 3 {
		if !s.Later(Message{Tenant: s.a, Account: 7, Blob: mail.BlobRef{ID: mail.BlobID(i + 1), Hash: [32]byte{byte(i)}}, Spam: true}) {
			t.Fatal("left out")
		}
	}
	s.tokens(s.a, "0/0", 5)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	for range 3 {
		<-read
	}
	for len(s.waiting) > 0 || !s.learned(2) {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	s.tokens(s.a, "2/0 2/0", 5)
	f, err := s.Figures(t.Context(), s.a)
	s.must(err)
	if f != (Figures{Spam: 2, Tokens: 1, Reputations: 1}) {
		t.Errorf("figures %+v", f)
	}
	for range MaxWaiting {
		s.Later(Message{Tenant: s.a})
	}
	if s.Later(Message{Tenant: s.a}) {
		t.Error("more wait than may")
	}
}

// learned tells whether so many lessons are counted.
func (s *school) learned(n uint32) bool {
	f, err := s.Figures(s.Context(), s.a)
	s.must(err)
	return f.Spam == n
}

func TestSF6Bounds(t *testing.T) {
	s := newSchool(t)
	tokens := make([]uint64, MaxLessonTokens+100)
	for i := range tokens {
		tokens[i] = uint64(i + 1)
	}
	s.teach(s.a, 7, "long", true, true, tokens...)
	f, err := s.Figures(t.Context(), s.a)
	s.must(err)
	if f.Tokens != MaxLessonTokens {
		t.Errorf("%d tokens of one message", f.Tokens)
	}
	s.teach(s.a, 8, "other", true, true, 1, 2, 3)
	s.must(s.bound(t.Context(), s.a, kindTokens, 3))
	s.forgetKnown(s.a)
	s.tokens(s.a, "2/0 2/0 2/0 0/0 2/0", 1, 2, 3, 4)
	s.must(s.bound(t.Context(), s.a, kindTokens, 2))
	if f, err = s.Figures(t.Context(), s.a); err != nil || f.Tokens != 2 || f.Spam != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	s.must(s.Undo(t.Context(), s.a, 7, "long")) // takes away what was forgotten, too
	s.teach(s.a, 9, "again", false, true, 5)
	s.tokens(s.a, "0/1 1/1", 5)
	s.teach(s.a, 9, "and again", false, true, 6)
	if _, err := s.Teach(t.Context(), Lesson{Tenant: s.a, Account: 7, Name: strings.Repeat("x", MaxName+1)}); !mail.Is(err, mail.Invalid) {
		t.Error(err)
	}
	for i := range maxTenants + 10 {
		s.Saw(Seen{Tenant: mail.TenantID(100 + i), Digest: 1})
	}
	if len(s.tenants) > maxTenants {
		t.Errorf("%d companies in memory", len(s.tenants))
	}
}

// TestLessonsEnd: a lesson whose time is over counts for good.
func TestLessonsEnd(t *testing.T) {
	s := newSchool(t)
	s.teach(s.a, 7, "one", true, true, 1)
	s.must(s.Tidy(t.Context()))
	if n, err := s.endLessons(t.Context(), s.a, time.Now().AddDate(0, 0, LessonDays+1)); n != 1 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
	s.tokens(s.a, "1/0 1/0", 1)
	if err := s.Undo(t.Context(), s.a, 7, "one"); !mail.Is(err, mail.NotFound) {
		t.Error(err)
	}
}

func TestSF6Export(t *testing.T) {
	s := newSchool(t)
	s.teach(s.a, 7, "one", true, true, 1, 0xffffffffffffffff)
	s.teach(s.a, 7, "two", false, true, 1)
	var b bytes.Buffer
	s.must(s.Export(t.Context(), s.a, &b))
	today := time.Now().UTC().Format(time.DateOnly)
	want := []string{"token,spam,ham,last", "lessons,1,1," + today, "ffffffffffffffff,1,0," + today, "0000000000000001,1,1," + today, ""}
	if got := strings.Split(b.String(), "\r\n"); !slices.Equal(got, want) {
		t.Errorf("export:\n%s", b.String())
	}
}

// TestExperienceIsTriedAgain: what could not be written is written later, once.
func TestExperienceIsTriedAgain(t *testing.T) {
	s := newSchool(t)
	good := s.cfg.Store
	var plan faulty.Plan
	plan.FailFrom(faulty.Update, 1, faulty.DiskFailed)
	s.cfg.Store = faulty.Wrap(good, &plan)
	met := mail.Address{Local: "sato", Domain: "example.jp"}
	s.Saw(Seen{Tenant: s.a, Keys: []string{"dom:example.jp"}, Good: 1, Met: []mail.Address{met}})
	if err := s.Flush(t.Context()); err == nil {
		t.Fatal("it was written")
	}
	s.cfg.Store = good
	s.must(s.Flush(t.Context()))
	s.must(s.Flush(t.Context()))
	list, err := s.Memory(s.a).Reputation(t.Context(), []string{"dom:example.jp"})
	s.must(err)
	if list[0].Good < 0.98 || list[0].Good > 1.02 {
		t.Errorf("reputation %v", list)
	}
}

func FuzzLesson(f *testing.F) {
	one := lesson{true, []uint64{1, 2, 1 << 63}}
	f.Add(one.encode())
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := decode(b)
		if !ok {
			return
		}
		again, ok := decode(l.encode())
		if !ok || again.spam != l.spam || !slices.Equal(again.tokens, l.tokens) || !slices.IsSorted(l.tokens) {
			t.Errorf("%x was read as %v, and again as %v", b, l, again)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	s := newSchool(b)
	var tokens []uint64
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		tokens = tokens[:0]
		for range 400 {
			tokens = append(tokens, uint64(random.NormFloat64()*20000+1e6))
		}
		s.teach(s.a, mail.AccountID(1+i%10), fmt.Sprint(i), i%2 == 0, true, tokens...)
	}
	m := s.Memory(s.a)
	for b.Loop() {
		if _, _, err := m.Tokens(b.Context(), tokens); err != nil {
			b.Fatal(err)
		}
	}
}
