package imapd

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"time"

	imap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	tsasl "tegami/wire/sasl"
)

const sample = "From: a@alpha.example\r\nSubject: sample\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n" +
	"--x\r\n\r\nplain\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--x--\r\n"

// saslClient lets the foreign client speak our mechanisms.
type saslClient struct{ tsasl.Client }

func (c saslClient) Start() (string, []byte, error) {
	first, err := c.Client.Next(nil)
	return c.Mechanism(), first, err
}

func (c saslClient) Next(challenge []byte) ([]byte, error) { return c.Client.Next(challenge) }

var _ sasl.Client = saslClient{}

// A foreign client does what mail programs do, over STARTTLS and SCRAM with channel binding.
func TestForeignClient(t *testing.T) {
	h := newHouse(t)
	config := certificate(t)
	addr := h.door(t, Config{TLS: config})
	user := h.user(t, "alpha.example")
	told := make(chan uint32, 10)
	options := &imapclient.Options{
		TLSConfig: &tls.Config{InsecureSkipVerify: true},
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			Mailbox: func(m *imapclient.UnilateralDataMailbox) {
				if m.NumMessages != nil {
					told <- *m.NumMessages
				}
			},
		},
	}
	c, err := imapclient.DialStartTLS(addr, options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	scram := saslClient{tsasl.NewScramClient(user, password, tsasl.Channel{}, false)}
	check(t, c.Authenticate(scram))
	_, err = c.Select("INBOX", nil).Wait()
	check(t, err)
	put := c.Append("INBOX", int64(len(sample)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}})
	_, err = io.WriteString(put, sample)
	check(t, err)
	check(t, put.Close())
	data, err := put.Wait()
	check(t, err)
	if data.UID != 1 || <-told != 1 {
		t.Errorf("%+v", data)
	}
	section := &imap.FetchItemBodySection{Part: []int{2}}
	got, err := c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{
		UID: true, Flags: true, Envelope: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
		RFC822Size: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section},
	}).Collect()
	check(t, err)
	if len(got) != 1 || got[0].Envelope.Subject != "sample" || string(got[0].FindBodySection(section)) != "<p>html</p>" ||
		got[0].RFC822Size != int64(len(sample)) || got[0].BodyStructure.MediaType() != "multipart/alternative" || len(got[0].Flags) != 2 {
		t.Errorf("%+v", got)
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{Body: []string{"HTML"}}, nil).Wait()
	check(t, err)
	if uids := found.AllUIDs(); len(uids) != 1 || uids[0] != 1 {
		t.Errorf("%+v", found)
	}
	check(t, c.Create("Kept", nil).Wait())
	moved, err := c.Move(imap.UIDSetNum(1), "Kept").Wait()
	check(t, err)
	if moved.UIDValidity == 0 {
		t.Errorf("%+v", moved)
	}
	boxes, err := c.List("", "*", &imap.ListOptions{ReturnStatus: &imap.StatusOptions{NumMessages: true}}).Collect()
	check(t, err)
	if n := len(boxes); n != 7 || boxes[n-1].Mailbox == "" || boxes[0].Status == nil {
		t.Errorf("%+v", boxes)
	}
	idle, err := c.Idle()
	check(t, err)
	other, err := imapclient.DialStartTLS(addr, &imapclient.Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}})
	check(t, err)
	defer other.Close()
	check(t, other.Login(user, password).Wait())
	put = other.Append("INBOX", int64(len(sample)), nil)
	_, err = io.Copy(put, strings.NewReader(sample))
	check(t, err)
	check(t, put.Close())
	select {
	case n := <-told:
		if n != 1 {
			t.Errorf("told of %d messages", n)
		}
	case <-time.After(10 * time.Second):
		t.Error("IDLE told nothing")
	}
	check(t, idle.Close())
	check(t, idle.Wait())
	check(t, c.Logout().Wait())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
