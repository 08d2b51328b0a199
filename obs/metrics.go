package obs

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the figures of one process, in a registry of their own. All
// methods may be called on a nil Metrics, which counts nothing.
type Metrics struct {
	registry  *prometheus.Registry
	accepted  *prometheus.CounterVec
	delivered prometheus.Counter
	refused   *prometheus.CounterVec
	filtered  *prometheus.CounterVec
	signIns   *prometheus.CounterVec
	sessions  *prometheus.GaugeVec
	commands  *prometheus.HistogramVec
	attempts  *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	putOff    *prometheus.CounterVec
	inMemory  *prometheus.GaugeVec
	connected *prometheus.CounterVec
}

// commandBuckets are the bounds of command times in seconds: from a cached answer to a client that waits in vain.
var commandBuckets = []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10, 30}

// NewMetrics makes the figures of a process, with those of the Go runtime.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: counters("tegami_accepted_total", "Messages the platform took responsibility for, by door.", "door"),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tegami_delivered_total", Help: "Messages put into mailboxes."}),
		refused: counters("tegami_refused_total", "Refusals, by door and code of the protocol.", "door", "code"),
		filtered: counters("tegami_mail_recipients_total",
			"Recipients here of mail that is settled, by what became of it (received, refused, spam, virus, quarantined, released).", "what"),
		signIns: counters("tegami_sign_ins_total", "Attempts to sign in, by door and result (ok, failed).", "door", "result"),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tegami_sessions", Help: "Sessions that are open now, by door."}, []string{"door"}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tegami_command_seconds", Help: "Time from a command to its reply, by door and verb.",
			Buckets: commandBuckets}, []string{"door", "verb"}),
		attempts: counters("tegami_queue_attempts_total", "Tries of a carrier to bring a queue item further.", "carrier"),
		outcomes: counters("tegami_queue_outcomes_total", "What tries made of recipients, by carrier and outcome.", "carrier", "outcome"),
		putOff:   counters("tegami_queue_put_off_total", "Queue items put off untried, by reason (destination, room).", "reason"),
		inMemory: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tegami_queue_jobs", Help: "Queue items in memory, by state (waiting, active)."}, []string{"state"}),
		connected: counters("tegami_relay_connections_total", "Connections to other hosts for mail, by how they went (tls, plain, failed).", "result"),
	}
	m.registry.MustRegister(m.accepted, m.delivered, m.refused, m.filtered, m.signIns, m.sessions, m.commands,
		m.attempts, m.outcomes, m.putOff, m.inMemory, m.connected,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Accepted counts a message the platform answers for from now on.
func (m *Metrics) Accepted(door string) {
	if m != nil {
		m.accepted.WithLabelValues(door).Inc()
	}
}

// Delivered counts n messages put into mailboxes.
func (m *Metrics) Delivered(n int) {
	if m != nil {
		m.delivered.Add(float64(n))
	}
}

// Refused counts a refusal under its code. Codes are of the protocol's small set ("550", "[IN-USE]"), never a text.
func (m *Metrics) Refused(door, code string) {
	if m != nil {
		m.refused.WithLabelValues(door, code).Inc()
	}
}

// Filtered counts n recipients by what became of mail for them: "received", "quarantined" …
func (m *Metrics) Filtered(what string, n int64) {
	if m != nil && n > 0 {
		m.filtered.WithLabelValues(what).Add(float64(n))
	}
}

// SignIn counts an attempt to sign in.
func (m *Metrics) SignIn(door string, ok bool) {
	if m == nil {
		return
	}
	result := "failed"
	if ok {
		result = "ok"
	}
	m.signIns.WithLabelValues(door, result).Inc()
}

// Sessions counts sessions that opened (1) or ended (-1).
func (m *Metrics) Sessions(door string, delta int) {
	if m != nil {
		m.sessions.WithLabelValues(door).Add(float64(delta))
	}
}

// CommandTime notes how long a command took. The verb must be one of the
// door's table (unknown verbs are counted as "other" by the door), or the number of series has no bound.
func (m *Metrics) CommandTime(door, verb string, d time.Duration) {
	if m != nil {
		m.commands.WithLabelValues(door, verb).Observe(d.Seconds())
	}
}

// Connected counts a connection to another host for mail: "tls", "plain", or "failed" for one that took none.
func (m *Metrics) Connected(result string) {
	if m != nil {
		m.connected.WithLabelValues(result).Inc()
	}
}

// QueueAttempt counts a try of a carrier.
func (m *Metrics) QueueAttempt(carrier string) {
	if m != nil {
		m.attempts.WithLabelValues(carrier).Inc()
	}
}

// QueueOutcome counts what a try made of a recipient: "waiting", "delivered" …
func (m *Metrics) QueueOutcome(carrier, outcome string) {
	if m != nil {
		m.outcomes.WithLabelValues(carrier, outcome).Inc()
	}
}

// QueuePutOff counts n items that were put off untried: because their destination can't be served, or for want of room.
func (m *Metrics) QueuePutOff(reason string, n int) {
	if m != nil && n > 0 {
		m.putOff.WithLabelValues(reason).Add(float64(n))
	}
}

// QueueJobs notes how many items are in memory: waiting, and in the hands of carriers.
func (m *Metrics) QueueJobs(waiting, active int) {
	if m != nil {
		m.inMemory.WithLabelValues("waiting").Set(float64(waiting))
		m.inMemory.WithLabelValues("active").Set(float64(active))
	}
}

// Handler serves the figures in the Prometheus text format; of a nil Metrics, 404.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
