#!/usr/bin/env bash
# A one-node Ceph with a RADOS gateway on loopback: the strictest S3 server that Debian has.
# Packages: ceph-mon ceph-osd radosgw ceph-common.
#   ceph_rgw.sh FOLDER PORT     S3 at 127.0.0.1:PORT, as AKIDEXAMPLE1 with secretsecret1. It runs on: end what run/*.pid names
# cephx and the short gc times matter: without them replaced objects fill the store and writes hang.
set -euo pipefail
folder=${1:?folder} port=${2:?port}
rm -rf "$folder"; mkdir -p "$folder"/{mon,osd,rgw,run,log}; cd "$folder"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $folder/keyring
run dir = $folder/run
admin socket = $folder/run/\$name.asok
pid file = $folder/run/\$name.pid
log file = $folder/log/\$name.log
mon cluster log file = $folder/log/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data = $folder/mon
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 8589934592
osd max object name len = 2048
ms bind ipv6 = false
crash dir = $folder/crash
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $folder/rgw
rgw thread pool size = 32
rgw dns name = localhost
rgw gc obj min wait = 2
rgw gc processor period = 2
rgw gc processor max time = 2
CONF
export CEPH_CONF=$folder/ceph.conf
touch keyring
ceph-authtool -C keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" monmap >/dev/null
ceph-mon -c ceph.conf -i a --mkfs --monmap monmap --keyring keyring
ceph-mon -c ceph.conf -i a
osd=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$osd" >/dev/null
ceph auth get-or-create osd.0 mon 'allow *' osd 'allow *' mgr 'allow *' >>keyring
ceph auth get-or-create client.rgw mon 'allow *' osd 'allow *' >>keyring
ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$osd"
ceph osd crush add osd.0 1.0 host=h root=default >/dev/null
ceph-osd -c ceph.conf -i 0
radosgw-admin -n client.rgw user create --uid=t --display-name=t --access-key=AKIDEXAMPLE1 --secret-key=secretsecret1 >/dev/null
radosgw -c ceph.conf -n client.rgw
for _ in $(seq 60); do
  curl -s -m 2 -o /dev/null "http://127.0.0.1:$port/" && exit 0
  sleep 0.5
done
exit 1
